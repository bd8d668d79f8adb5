import { talk } from "./app.js";

talk("ws/help", "You", ["Somebody will be with you soon.", "An agent is here."]);
