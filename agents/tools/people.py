"""When a person is wanted: put the caller through, take a message, or say goodbye."""

from agents import live_calls
from agents.live_calls import Act, Reach
from agents.models import Message
from agents.tools.contract import Arguments, Tool, ToolAnswer, ToolContext, ToolError
from agents.tools.wishes import read_phone
from appointments.claims import answer, claim, digest

LONGEST_MESSAGE = 2000
MESSAGES_PER_CALL = 20


def transfer_to_human(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    """To people on the tenant's own list alone: no number that a model could make up is ever dialled.

    The reason is kept with the tool call: whoever is rung hears it.
    """
    conversation = context.conversation
    if conversation is None or not live_calls.is_live(conversation):
        return ToolAnswer({"transferring": False}, context.speech.no_person_now)
    reach = live_calls.reach(conversation)
    if reach == Reach.SOMEBODY:
        return ToolAnswer({"transferring": True}, context.speech.transferring, act=Act.TRANSFER)
    closed = reach == Reach.CLOSED
    message = context.speech.team_is_away if closed else context.speech.no_person_now
    return ToolAnswer({"transferring": False, **({"closed": True} if closed else {})}, message)


def _is_live(context: ToolContext) -> bool:
    return context.conversation is not None and live_calls.is_live(context.conversation)


def take_message(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    text = arguments.text("message", limit=LONGEST_MESSAGE)
    if not text:
        raise ToolError("VALIDATION_ERROR", "message: this field is required", context.speech.message_needed)
    name = arguments.text("callerName", limit=120)
    callback = read_phone(context, arguments, "callbackNumber") or context.caller_e164
    key = digest([context.holder, text, name, callback])
    request = claim(context.tenant, "message", key, key)
    if request.answer is None:
        _refuse_flood(context)
        taken = Message.objects.create(
            tenant=context.tenant,
            conversation=context.conversation,
            text=text,
            caller_name=name,
            callback_e164=callback,
        )
        facts = {"messageId": str(taken.pk)}
        answer(request, facts)
    else:
        facts = request.answer
    return ToolAnswer(dict(facts), context.speech.message_taken)


def _refuse_flood(context: ToolContext) -> None:
    """Nobody has so much to say in one call: it is a model that goes in circles, or was talked into it."""
    if context.conversation is None:
        return
    taken = Message.objects.for_tenant(context.tenant).filter(conversation=context.conversation)
    if taken.count() >= MESSAGES_PER_CALL:
        raise ToolError("TOO_MANY_MESSAGES", "Too many messages in one call", context.speech.cannot_do_that)


def end_call(context: ToolContext, arguments: Arguments) -> ToolAnswer:
    ending = _is_live(context)
    return ToolAnswer({"ending": ending}, context.speech.goodbye, act=Act.HANG_UP if ending else None)


_REASON = {"reason": {"type": "string", "description": "Why, in a few words"}}

TOOLS = (
    Tool(
        name="transfer_to_human",
        description=(
            "Put the caller through to a person of the team. Say that you do before you call this. If it answers "
            "that nobody can be reached, offer to take a message."
        ),
        parameters=_REASON,
        handler=transfer_to_human,
    ),
    Tool(
        name="take_message",
        description="Write down a message for the team, which calls back.",
        parameters={
            "message": {"type": "string", "description": "What to pass on, in the caller's words"},
            "callerName": {"type": "string", "description": "Who it is from"},
            "callbackNumber": {
                "type": "string",
                "description": "Only if it is another number than they call from",
            },
        },
        required=("message",),
        handler=take_message,
    ),
    Tool(
        name="end_call",
        description="Hang up, after the goodbye.",
        parameters=_REASON,
        handler=end_call,
    ),
)
