"""The MQTT broker that comes with the hub."""
