"""V8 semantics: values, numbers as text, dates."""
