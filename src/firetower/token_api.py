"""The Python API of tokens: who may use `firetower serve`."""

from firetower.store import tokens
from firetower.store.store import Transactions, changes, reads


class Tokens(Transactions):
    """The tokens of a database."""

    create = changes(tokens.create_token)
    list = reads(tokens.list_tokens)
    delete = changes(tokens.delete_token)
