"""A simulated caller: the phone's side of Twilio Media Streams, with a script, ears and a recorder."""
