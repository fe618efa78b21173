"""Audience sync: the side of Engage, without Segment. Members go in; Identify calls for what changed come out."""
