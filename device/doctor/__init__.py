"""`offhook doctor`: what is missing on this board, each with the line to type. No part of the daemon."""
