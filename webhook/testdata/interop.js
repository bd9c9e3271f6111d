// Signs and verifies webhooks for interop_test.go with what others wrote: the
// library standardwebhooks for symmetric secrets, and for ed25519, which that
// library does not know, Node's crypto (OpenSSL).
//
// Standard input is a JSON list of tasks, {do: "sign" | "verify", key, id,
// timestamp, signature, body}; standard output is a list with a signature, "ok"
// or the reason of a refusal for each of them.
const crypto = require("crypto");
const {Webhook} = require("standardwebhooks");

const headers = t => ({"webhook-id": t.id, "webhook-timestamp": String(t.timestamp), "webhook-signature": t.signature});
const content = t => Buffer.from(`${t.id}.${t.timestamp}.${t.body}`);

const symmetric = {
    sign: t => new Webhook(t.key).sign(t.id, new Date(t.timestamp * 1000), t.body),
    verify: t => void new Webhook(t.key).verify(t.body, headers(t), {jsonParse: false}),
};

// OpenSSL reads keys in DER: these are what RFC 8410 puts before the bytes.
const spki = raw => ({key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]), format: "der", type: "spki"});
const pkcs8 = seed => ({key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8"});
const bytes = key => Buffer.from(key.slice(5), "base64");

const asymmetric = {
    sign: t => "v1a," + crypto.sign(null, content(t), crypto.createPrivateKey(pkcs8(bytes(t.key).subarray(0, 32)))).toString("base64"),
    verify: t => {
        const key = crypto.createPublicKey(spki(bytes(t.key)));
        const good = t.signature.split(" ").some(s => s.startsWith("v1a,") &&
            crypto.verify(null, content(t), key, Buffer.from(s.slice(4), "base64")));
        if (!good) throw new Error("No matching signature found");
    },
};

function outcome(t) {
    try {
        return (t.key.startsWith("whsec_") ? symmetric : asymmetric)[t.do](t) ?? "ok";
    } catch (err) {
        return err.message;
    }
}

console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0)).map(outcome)));
