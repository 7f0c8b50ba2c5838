"""From what was asked to what will be sent: files, pages, earlier turns, sizes."""
