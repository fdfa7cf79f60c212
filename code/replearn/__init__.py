"""What contrastive learning on the unit sphere does, derived, measured and drawn.

Each floor imports only from floors below it:

=================================================  ==========================================
``cli``, ``course``                                a shell; claims, records, exercises, networks
``figures``                                        pictures, and pictures that move
``evaluation``                                     how a trained network does on unseen images
``probes``, ``ruler``                              what features contain; what a score is called
``tasks``, ``training``; ``theory``                what is trained, and its store; what proofs need
``fit``, ``classification``, ``neighbors``         loops of training; what is near
``recipes``, ``networks``, ``augmentations``,      plans, modules, views, formulas, data
``losses``, ``shapes``, ``geometry``
``engine``                                         store, checks, compiled loops, devices
=================================================  ==========================================
"""
