"""The embedded model: a LLaMA of 4 M parameters made from nothing, so that every stage runs offline.

`python -m opencharacter.train.embedded make` writes the model, `... check` measures it.
"""
