"""One port (`clarion.store.port`) and the engines behind it."""
