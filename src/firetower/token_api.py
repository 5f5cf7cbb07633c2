"""The Python API of tokens, in its own module: few commands need their table."""

from firetower.store import tokens
from firetower.store.store import Transactions, changes, reads


class Tokens(Transactions):
    """The API keys of `firetower serve`."""

    create = changes(tokens.create_token)
    list = reads(tokens.list_tokens)
    delete = changes(tokens.delete_token)
