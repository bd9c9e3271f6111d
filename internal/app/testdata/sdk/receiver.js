// A webhook endpoint that verifies as the library standardwebhooks shows.
// node receiver.js <secret>: prints its URL, then a line of JSON for every
// request: what verify() returned or threw, and what it says when the body or
// the secret is another. It ends with its input.
const http = require("http");
const {Webhook} = require("standardwebhooks");

const [secret] = process.argv.slice(2);
const other = "whsec_" + Buffer.alloc(32, 7).toString("base64");

function outcome(secret, body, headers) {
    try {
        return {payload: new Webhook(secret).verify(body, headers)};
    } catch (err) {
        return {error: err.message};
    }
}

const server = http.createServer(async (req, res) => {
    let body = "";
    req.setEncoding("utf8");
    for await (const chunk of req) body += chunk;
    const right = outcome(secret, body, req.headers);
    res.writeHead(right.error ? 400 : 204).end();
    console.log(JSON.stringify({
        right,
        changed: outcome(secret, body.replace("done", "gone"), req.headers),
        other: outcome(other, body, req.headers),
    }));
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/hook`));
process.stdin.on("end", () => process.exit()).resume();
