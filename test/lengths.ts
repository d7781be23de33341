import fc from 'fast-check';

// Without this a byte array of "at most 1500" has five bytes on average, and no decoder is read beyond its header.
fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });
