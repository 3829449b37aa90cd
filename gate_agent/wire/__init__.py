"""PURE: what goes over MQTT, versioned."""
