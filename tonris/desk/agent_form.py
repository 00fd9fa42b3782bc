"""The agent's settings as an owner fills them in; a version that is gone back to passes the same checks."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from agents.assignments import api_key_for
from agents.initiation import DEFAULT_TONE
from agents.providers import PROVIDERS
from agents.speech import LANGUAGES, speech_for
from agents.versions.facts import LANGUAGE, TITLES, settings_with
from telephony.admin_people import problems
from tenants.admin_suggestions import LANGUAGE_NAMES
from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164

LONGEST_GREETING, LONGEST_RULES = 500, 6000
A_VOICE = RegexValidator(r"^[A-Za-z0-9_-]{1,64}$", "This is not the id of a voice.")


def _area(rows: int, **attrs: str) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attrs})


class AgentForm(forms.Form):
    """`cleaned_data` becomes facts of a version. Needs the tenant's scope."""

    language = forms.ChoiceField(choices=[(code, LANGUAGE_NAMES.get(code, code)) for code in LANGUAGES])
    aiGreeting = forms.CharField(
        required=False, max_length=LONGEST_GREETING, widget=_area(2), help_text="The first words of a call."
    )
    aiDisclosure = forms.BooleanField(
        required=False, help_text="Said behind the greeting, in the agent's language."
    )
    recordingDisclosure = forms.BooleanField(
        required=False, help_text="Said behind the greeting; it starts no recording, and stops none."
    )
    aiTone = forms.CharField(required=False, max_length=120, help_text=f"Empty: {DEFAULT_TONE}.")
    aiInstructions = forms.CharField(
        required=False,
        max_length=LONGEST_RULES,
        widget=_area(6),
        help_text="What the agent should know and do beyond services, prices and hours, which it knows.",
    )
    agentProvider = forms.ChoiceField(required=False)
    secondProvider = forms.ChoiceField(
        required=False, help_text="Goes on with a call when the first one fails."
    )
    elevenLabsVoiceId = forms.CharField(
        required=False, validators=[A_VOICE], help_text="Its id there. Empty: the voice that the agent has."
    )
    openaiVoice = forms.CharField(
        required=False, validators=[A_VOICE], help_text="Such as marin or cedar. Empty: marin."
    )
    transferNumber = forms.CharField(
        required=False, max_length=40, help_text="Rung after your ring groups, at any hour."
    )
    transferMode = forms.ChoiceField(
        required=False,
        choices=[("", "At once"), ("warm", "Whoever picks up hears who calls, and takes the call by 1")],
    )
    voicemail = forms.BooleanField(required=False, help_text="When nobody of yours can be reached.")
    based_on = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        if tenant.language not in LANGUAGES:  # de-AT, say
            spoken: Any = self.fields["language"]
            spoken.choices = [(tenant.language, tenant.language), *spoken.choices]
        labels = [(name, one.label) for name, one in PROVIDERS.items()]
        first: Any = self.fields["agentProvider"]
        second: Any = self.fields["secondProvider"]
        first.choices = [("", f"{PROVIDERS['elevenlabs'].label} (usual)"), *labels]
        second.choices = [("", "Whichever can"), *labels, ("none", "None")]
        greeting = speech_for(tenant.language).greeting(tenant.name)
        self.fields["aiGreeting"].help_text = f"The first words of a call. Empty: “{greeting}”"
        for name, title in TITLES.items():
            self.fields[name].label = title

    @classmethod
    def of_facts(cls, tenant: Tenant, told: Mapping[str, Any]) -> "AgentForm":
        """As if somebody had filled it in so."""
        return cls(tenant, {name: value for name, value in told.items() if name in TITLES})

    def facts(self) -> dict[str, Any]:
        """Those that say something."""
        told = {name: self.cleaned_data.get(name) for name in TITLES}
        return {name: value for name, value in told.items() if value not in ("", None, False)}

    def clean_aiGreeting(self) -> str:
        return self._without_braces("aiGreeting")

    def clean_aiTone(self) -> str:
        return " ".join(self._without_braces("aiTone").split())

    def clean_transferNumber(self) -> str:
        typed: str = self.cleaned_data["transferNumber"]
        try:
            return to_e164(typed, region_of(self.tenant.phone)) if typed else ""
        except InvalidNumber:
            raise forms.ValidationError("This is not a telephone number, such as +15551234567.") from None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("agentProvider", "secondProvider"):
            provider = cleaned.get(name)
            if (
                isinstance(provider, str)
                and provider in PROVIDERS
                and not api_key_for(self.tenant.pk, provider)
            ):
                self.add_error(name, f"There is no key of {PROVIDERS[provider].label} yet: see Secrets.")
        for problem in problems(self.tenant, settings_with(self.tenant.settings, self.facts())):
            name, _, sentence = problem.partition(": ")
            if name in self.fields and name not in self.errors:
                self.add_error(name, f"{sentence[:1].upper()}{sentence[1:]}.")
        return cleaned

    def _without_braces(self, name: str) -> str:
        text: str = self.cleaned_data[name].strip()
        if "{{" in text or "}}" in text:
            raise forms.ValidationError("Two braces in a row mean something else to agents: leave them out.")
        return text


def initial_of(tenant: Tenant, told: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {**told, LANGUAGE: told.get(LANGUAGE, tenant.language), "based_on": number}
