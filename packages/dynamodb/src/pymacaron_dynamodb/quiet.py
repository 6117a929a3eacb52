"""What PynamoDB logs when it is imported: that nobody wrote a file of settings for it, which need not be there.

This has to be imported before PynamoDB is.
"""

import logging

logging.getLogger("pynamodb.settings").setLevel(logging.WARNING)
