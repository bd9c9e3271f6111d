// The README of json2video-sdk, with an api_url of one's own, and a movie that
// is smaller and has text style 001, the only one that is supported so far.
// node hello.js <api_url> <API key>: prints the reply to render() and the last
// status, a line of JSON each.
const {Movie, Scene} = require("json2video-sdk");

async function main() {
    const [api_url, key] = process.argv.slice(2);
    let movie = new Movie;
    movie.api_url = api_url;
    movie.setAPIKey(key);
    movie.set("quality", "high");
    movie.set("draft", true);
    movie.set("resolution", "custom");
    movie.set("width", 640);
    movie.set("height", 360);
    // The SDK takes the first chunk of a reply for all of it, and the status
    // repeats the movie: as long as real ones are.
    movie.set("comment", "long ".repeat(1500));

    let scene = new Scene;
    scene.set("background-color", "#4392F1");
    scene.addElement({
        type: "text",
        style: "001",
        text: "Hello world",
        duration: 2,
        start: 1
    });
    movie.addScene(scene);

    let render = await movie.render();
    console.log(JSON.stringify(render));

    let status = await movie.waitToFinish((status) => {
        console.error("Rendering: ", status.movie.status, " / ", status.movie.message);
        if (status.movie.status == "error") throw new Error("it would wait for ever");
    });
    console.log(JSON.stringify(status));
}

main();
