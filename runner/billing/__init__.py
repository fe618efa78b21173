"""Bills: sums of usage events per customer and dimension, how two bills differ, and a page with charts."""
