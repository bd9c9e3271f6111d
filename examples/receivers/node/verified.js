// Receives webhooks: believes only what is signed, stores it before it answers, works afterwards.
//   npm ci && WEBHOOK_SECRET=whsec_… STORE=webhooks PORT=8080 node verified.js
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import express from 'express';

const { WEBHOOK_SECRET = '', STORE = 'webhooks', PORT = 8080 } = process.env;
const TOLERANCE = 300; // seconds, before or after now: what was overheard cannot be sent again later

// Two secrets with a space between while one is changed.
const keys = WEBHOOK_SECRET.split(' ').map((secret) => {
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
    // An empty key would let anybody sign.
    if (!secret.startsWith('whsec_') || key.length === 0) throw new Error('WEBHOOK_SECRET must be whsec_ and base64');
    return key;
});

// Throws the reason unless one of the signatures was made with one of the keys.
function verify(headers, body) {
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
    if (!id || !timestamp || !signatures) throw new Error('webhook-id, webhook-timestamp and webhook-signature are needed');
    if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - timestamp) > TOLERANCE) {
        throw new Error('webhook-timestamp is not within five minutes');
    }
    const given = signatures.split(' ').map((signature) => Buffer.from(signature));
    const match = keys.some((key) => {
        const want = Buffer.from('v1,' + createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64'));
        return given.some((signature) => signature.length === want.length && timingSafeEqual(signature, want));
    });
    if (!match) throw new Error('no signature matches');
}

// Keeps the body on the disk and says whether the id is new.
async function store(id, body) {
    const temporary = `${STORE}/new-${randomUUID()}`;
    const file = await open(temporary, 'wx', 0o600);
    await file.writeFile(body);
    await file.sync();
    await file.close();
    // A link appears whole or not at all, and never over another: an id is stored once, even
    // when it comes twice at a time. The id is hashed since it need not be a file's name.
    const first = await link(temporary, `${STORE}/${createHash('sha256').update(id).digest('hex')}`)
        .then(() => true, (err) => { if (err.code !== 'EEXIST') throw err; return false; });
    await unlink(temporary);
    const folder = await open(STORE);
    await folder.sync();
    await folder.close();
    return first;
}

const app = express();
// The bytes as they came: parsed and written again a body may differ. A movie's is about one kilobyte.
app.use(express.raw({ type: () => true, limit: '1mb', inflate: false }));

app.post('/', async (req, res) => {
    const body = req.body ?? Buffer.alloc(0);
    try {
        verify(req.headers, body);
    } catch (err) {
        return res.status(401).type('text').send(err.message);
    }
    const first = await store(req.headers['webhook-id'], body);
    res.type('text').send('ok');

    if (!first) return;
    // Here your work begins; better in a worker that goes through STORE.
    // Content-Type is not signed, so the body itself tells what it is.
    const text = body.toString();
    const { url, project } = text.startsWith('{') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
    console.log(url, project);
});

// 413 for what is too large, 500 for what could not be stored: Reelhook tries again later.
app.use((err, req, res, next) => {
    console.error(err.message);
    if (res.headersSent) return;
    res.status(err.status ?? 500).type('text').send(err.status ? err.message : 'not stored');
});

await mkdir(STORE, { recursive: true, mode: 0o700 });
const server = app.listen(PORT, '127.0.0.1', (err) => {
    if (err) throw err;
    console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
