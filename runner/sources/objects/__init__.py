"""Object stores: buckets whose objects are files of events."""
