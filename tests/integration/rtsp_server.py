"""A real RTSP server for `test_camera_rtsp.py`, run by the system's Python (it has GStreamer).

Debian: python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good.

    /usr/bin/python3 rtsp_server.py

serves a moving test picture as Motion JPEG under /jpeg and in a codec whose pictures build on one
another under /vp8, and prints its address as its one line of output, e.g.
`rtsp://127.0.0.1:40123`. Ends when its standard input is closed, so that it cannot
outlive the test that started it.
"""

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions come first

CAMERA = "videotestsrc is-live=true pattern=ball ! video/x-raw,{},width=640,height=368,{} ! {}"
STREAMS = {
    "/jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "/vp8": "vp8enc deadline=1 keyframe-max-dist=15 ! rtpvp8pay name=pay0 pt=96",
}


def main() -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for path, encoder in STREAMS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {CAMERA.format('format=I420', 'framerate=15/1', encoder)} )")
        factory.set_shared(True)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    loop = GLib.MainLoop()

    def end_with_stdin() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=end_with_stdin, daemon=True).start()
    sys.stdout.write(f"rtsp://127.0.0.1:{server.get_bound_port()}\n")
    sys.stdout.flush()
    loop.run()


if __name__ == "__main__":
    main()
