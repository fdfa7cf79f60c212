"""Claims are checked on the same random encoders at every run: a failure is there tomorrow too."""

import hypothesis

hypothesis.settings.register_profile(
    "claims", derandomize=True, deadline=None, max_examples=60, print_blob=True
)
hypothesis.settings.load_profile("claims")
