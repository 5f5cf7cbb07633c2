"""`firetower serve`: W&B's API, so that scripts written for its SDK work unchanged.

`run` starts the server, `app` speaks HTTP. A GraphQL request goes through `graphql` to the function
that `resolvers` names for each field; the values of a running script go to `file_stream`, and files
to `files`.
"""
