"""The lane controller: facts in, effects out, a row committed before a barrier moves."""
