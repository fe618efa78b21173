"""The service: Segment and its SDKs send events to it over HTTP, and it delivers what it has confirmed."""
