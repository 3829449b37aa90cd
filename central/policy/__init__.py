"""Policy packs and draw secrets: import, distribution, audit."""
