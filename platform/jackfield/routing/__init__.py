"""A plan and its processes -> the table by which every upgrade and message is routed."""
