"""The BR2_EXTERNAL tree: what can be known of it without a Buildroot."""
