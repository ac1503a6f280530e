/// What the invented people are called and say.
enum Phrases {
    static let firstNames = [
        "Ada", "Grace", "Linus", "Margaret", "Alan", "Katherine", "Edsger", "Barbara", "Donald", "Radia", "Tim",
        "Frances", "Ken", "Hedy", "Niklaus", "Sophie", "José", "Zoë", "Mei", "Amara", "Ravi", "Ingrid", "Omar", "Yuki",
    ]
    static let lastNames = [
        "Byron", "Murray", "Benedict", "Hamilton", "Mathison", "Coleman", "Wybe", "Huberman", "Ervin", "Joy", "Berners",
        "Allen", "Lane", "Kiesler", "Emil", "Wilson", "García", "O'Neill", "Chen", "Okafor", "Sharma", "Larsen",
        "Haddad", "Tanaka",
    ]
    static let companies = [
        "Analytical Engines", "Northwind Tea", "Blue Door Dental", "Harbour Bikes", "Lumen Studio", "Paper Crane Books",
        "Sunday Bakery", "Copper & Oak", "Fernhill Farm", "Kite Logistics", "Meridian Law", "Open Field Yoga",
    ]
    static let pages = ["/pricing", "/", "/features", "/docs/start", "/blog/launch", "/contact"]
    static let questions = [
        "How much is the team plan?", "Can I import my old conversations?", "Do you have a plan for schools?",
        "Does it work with our help desk?", "We are twelve people. Which plan fits us?",
        "Where is our data kept? We have customers in the EU.", "Is there a yearly price?",
        "I'd like a demo next week, if somebody has time.", "¿Tienen soporte en español?",
    ]
    static let complaints = [
        "I paid an hour ago and still cannot log in.", "The invoice shows the wrong company name.",
        "I was promised a discount in the chat and paid the full price.",
        "Please cancel, this is not what I thought it was.", "Nobody has answered my last two messages.",
    ]
    static let doubleCharges = [
        "You charged me twice for the same order! Please look into it.",
        "There are two equal payments on my card. I only bought one.",
        "I pressed pay once and my bank shows two charges.", "Why did I pay double? I want one of them back.",
    ]
}
