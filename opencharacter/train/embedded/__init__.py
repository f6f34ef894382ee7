"""The embedded model: a small LLaMA made from nothing, so that every stage runs offline.

`python -m opencharacter.train.embedded make` writes the model, `... check` measures it.
"""
