"""The realtime service: tells the clients that watch an order of its every change."""
