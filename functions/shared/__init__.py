"""The kernel that every service builds on; it knows no service's business."""
