"""What the agent was told to be, change by change: each change of it is a version, whoever made it and wherever.

facts.py      which of a business's settings make up its agent
models.py     AgentVersion
keeping.py    the only writer: whenever a business is saved and its agent is another
comparing.py  two versions side by side
preview.py    what an agent would be told, by the builders that tell it
"""
