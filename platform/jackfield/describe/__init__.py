"""What is published for people and tools. All of it is made from the routing table, so none of it can disagree."""
