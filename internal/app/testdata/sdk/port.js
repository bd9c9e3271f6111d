// For machines where a test may not take port 443, which json2video-sdk always
// calls: a preload that connects to $TEST_PORT instead and changes nothing else.
const tls = require("tls");
const connect = tls.connect;

tls.connect = (options, ...rest) =>
    connect({...options, port: options.port == 443 ? process.env.TEST_PORT : options.port}, ...rest);
