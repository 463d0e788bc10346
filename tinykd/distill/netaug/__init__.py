"""Network augmentation: a tiny network trained inside a wider one that exists only while training (Cai et al. 2022, "Network
Augmentation for Tiny Deep Learning").

    groups.py     which channel dimensions of a Keras model go together, and how wide each may be
    layers.py     Keras layers that compute with the leading channels of their weights
    supernet.py   the wide network: tiny pass, drawn pass, sorting, extraction
    steps.py      the training step: the tiny network's loss plus that of one drawn configuration

Importing this imports no Keras.
"""
