"""Sound as values: PCM, codecs, tones, resampling, and what a call's media negotiates and streams. Pure."""
