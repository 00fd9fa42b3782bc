"""Who did what, when: entries that nobody changes any more, chained per tenant so that a missing one is seen.

    record()        an entry, and beside it what it tells in clear; in the transaction that it tells of
    at commit       a trigger gives it its place and its hash: of the entry, and of the one before
    verify()        recomputes the chain, and finds the first entry that is not as it was

An entry holds ids and a commitment: the hash of a random salt and of what it tells in clear, which stands with the
salt in another table. To erase a person that row is deleted. The chain still verifies, and says what was erased: an
entry of its own names the places. Nobody can find the words by guessing at the hash without the salt.
"""
