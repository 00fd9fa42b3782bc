"""What staff can do about a call that was refused. Pure."""

_REMEDIES = {
    "agent_not_configured": "The agent's provider needs a key: an owner enters it under Set-up, Secrets.",
    "agent_not_chosen": "No agent is chosen yet: set it up under Set-up, Business, or ask the platform's operators to.",
    "budget_spent": "The business has used up its paid time: raise its cap under Set-up, Business, or wait.",
    "caller_budget_spent": "This number has used up its paid time for today: choose another one, or withhold it.",
    "not_in_service": "The business is suspended: ask the platform's operators.",
    "caller_blocked": "This number is blocked: choose another one, or take it off the list under Customers.",
    "lines_busy": "All lines of the business are in use: wait until a call has ended, see Live calls.",
    "caller_on_many_lines": "This number is on several lines already: end those calls, or choose another number.",
    "caller_calls_too_often": "This number has called too often today: choose another one, or withhold it.",
}
_OTHERWISE = (
    "Try again in a minute: an agent that has failed several callers is left alone for a while. "
    "If it stays like this, examine the business: Set-up, Business, the action Examine."
)


def remedy(outcome: str) -> str:
    return _REMEDIES.get(outcome, _OTHERWISE)
