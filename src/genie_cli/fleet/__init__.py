"""From jobs to encoded images: by an engine in this process, or by several in others, one per device."""
