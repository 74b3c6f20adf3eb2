//! Who the reader is: a JWT, or a header behind mTLS.
