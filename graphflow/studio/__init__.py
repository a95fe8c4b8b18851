"""What stands behind a studio's pages: worker processes, what they may touch, trainings, addresses.

Pages never open a person's file themselves. They ask a :class:`~graphflow.studio.client.Client`,
which asks a process that may read some folders and write none, for a while, within some memory.
"""
