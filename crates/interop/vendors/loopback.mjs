// Loaded before another vendor's server: it listens on 127.0.0.1 alone, on a free port, and says which.
import net from "node:net";

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...given) {
    const done = given.find((argument) => typeof argument === "function");
    this.once("listening", () => console.log(`listening on http://127.0.0.1:${this.address().port}`));
    return listen.call(this, { host: "127.0.0.1", port: 0 }, done);
};
