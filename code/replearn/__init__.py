"""What contrastive learning on the unit sphere does, derived, measured and drawn.

Rooms, each importing only from rooms below:

==========================================  =============================================
``cli``                                     train and evaluate from a shell
``figures``, ``evidence``                   pictures, and claims that a cell checks
``training``, ``runs``, ``neighbors``       loops, the store of finished runs, what is near
``distributed``                             several processes on one batch
``shapes``, ``augmentations``,              data, views, modules, formulas
``networks``, ``losses``, ``geometry``
==========================================  =============================================
"""
