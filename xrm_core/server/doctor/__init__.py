"""What ``xrm doctor`` looks at: the surroundings of a server, its databases, and what it reaches over the network."""
