"""State: what was sent, how it ended and what it cost, kept so that a crash loses none of it.

`open_book` (in `stores.account`) is the way in.  Import from the module that holds the noun.  No
other package imports a database driver.
"""
