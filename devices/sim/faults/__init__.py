"""What can go wrong with the devices of a lane, by name; on a wire, at a device, in the lane."""
