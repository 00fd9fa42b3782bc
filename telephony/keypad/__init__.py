"""A menu of keys and words on the same booking engine as the agent, for when there is no agent.

    place.py    where a caller is in the menu: signed, in the address that the next answer is sent to
    heard.py    which option a key or a few words mean
    words.py    those words, by language
    steps.py    what each step asks, and where each answer leads
    turns.py    one answer of the caller in, what comes next out: how it is said is the carrier's own affair

A step's question is made of its place alone, so that it can be repeated; what an answer does is done by the same
tools that the agent calls, with the same rules of identity, and twice is as good as once.
"""
