"""Plug-ins that let LocalStack run whole as a host process."""
