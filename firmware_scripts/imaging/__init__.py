"""How an image for a board is made: the root from Debian's packages, the kernel, the phone, the partitions."""
