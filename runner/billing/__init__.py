"""What events come to on a bill: sums per customer and dimension, how two bills differ, and a page with charts."""
