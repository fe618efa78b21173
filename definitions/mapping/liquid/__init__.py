"""The Liquid language of @liquid, with Segment's filters and limits."""
